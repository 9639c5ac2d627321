"""What takes longer than a suite may: its results are kept with their date and commit, and make docs/trust.md."""
