"""Trained runs on disk: one owner writes and reads their folders; `ecgan.references` names them."""
