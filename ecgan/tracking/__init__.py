"""Where training metrics, figures and models go: local files always, Weights & Biases or MLflow besides."""
