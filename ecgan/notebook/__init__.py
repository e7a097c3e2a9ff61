"""What `import ecgan` gives: runs, detectors and recordings, in a process that is somebody else's."""
