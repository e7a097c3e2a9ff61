"""From recordings to what a model sees: filters, windows, cleansing, resampling, splits and transformations."""
