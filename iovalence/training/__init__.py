"""Train a network: step, epoch, schedule, stopping, checkpoint."""
