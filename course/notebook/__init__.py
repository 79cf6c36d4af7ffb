"""What runs in a kernel: begin, the cell magics, hints, progress and the panels."""
