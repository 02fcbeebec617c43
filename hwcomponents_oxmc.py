"""Where hwcomponents finds the chip's component models: it looks into top-level modules of this prefix."""

from oxmc.reports.hwcomponents import component_models

globals().update({model.__name__: model for model in component_models()})
