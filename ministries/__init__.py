"""Who: ministries and the people to tell."""
