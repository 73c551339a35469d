"""What the team runs: promoted and rolled back by a person, recorded in git. Devices have their own."""
