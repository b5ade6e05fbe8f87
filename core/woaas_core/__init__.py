"""The kernel: ids, money, time, errors, the database and the event log. It knows no business."""
