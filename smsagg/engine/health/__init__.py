"""What may go where: circuits, paces, rules, scores, probes, maintenance and drills."""
