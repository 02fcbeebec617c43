"""The analogue cell, transistor by transistor, in ngspice: what the array model says of it is asserted against it."""
