"""What a reader gets: tables, figures, cards, one offline page, and the last lines of a run."""
