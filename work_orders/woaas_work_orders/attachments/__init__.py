"""Files under work orders and operations: hashed, in versions, each open to who reads its class."""
