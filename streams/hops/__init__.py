"""The corridor, chunk by chunk: hop 1 by message id, hop 2 by recipient. Knows the rules and the stored forms."""
