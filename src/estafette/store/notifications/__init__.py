"""What people are told: two queues, of notifications by phone and of letters by e-mail."""
