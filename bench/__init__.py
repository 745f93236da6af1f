"""How long figures take and how much memory, as ratios measured in one run: `make bench`.

Nothing here fails for being slow: machines differ. What is compared is measured in turns within one
run, so that noise meets both sides, and the table says how far the turns lay apart.
"""
