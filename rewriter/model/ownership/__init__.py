"""Who owns the files that COPY brings, with which mode, and the commands that change it afterwards."""
