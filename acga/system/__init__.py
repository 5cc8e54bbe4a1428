"""What the package needs of the machine: devices, processes, files written whole or not at all, checked values, provenance of results."""
