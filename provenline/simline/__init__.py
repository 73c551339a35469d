"""The simulated apparel line: real video files, CVAT exports and a media list, from one seed."""
