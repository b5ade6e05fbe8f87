"""What happened on the floor: reports, inspections, receipts, and the figures computed from them."""
