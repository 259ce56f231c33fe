"""The build context: which folder it is, which files a build sees, what they hold."""
