"""Matching, average precision, intervals over groups, gates, Stage A and the paired comparison."""
