"""The chip behind a bus: what each bus says as words of the host port, registers for interrupt and results, the top."""
