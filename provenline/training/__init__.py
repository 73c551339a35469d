"""Training: a recipe, the data and a base become a fine-tuned checkpoint."""
