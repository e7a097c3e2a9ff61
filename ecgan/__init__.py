"""ECGAN: generative models that flag the heartbeats they cannot explain."""
