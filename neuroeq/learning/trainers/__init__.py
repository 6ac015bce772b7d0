"""What learns many batches: stepwise, fused and compiled trainers behind one contract."""
