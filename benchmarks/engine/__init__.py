"""What one check costs beside other programs making the same check: `make bench BENCH=engine`."""
