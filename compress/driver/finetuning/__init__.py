"""Going on with the training of a variant after its search, to the end of a schedule: `compress finetune`."""
