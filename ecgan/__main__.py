"""`python -m ecgan`, the form that `dvc.yaml` uses: it runs the code in the working directory."""

from ecgan.cli import main

main()
