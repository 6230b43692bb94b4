"""IAM as AWS judges it: policy documents, who calls, what a call touches, and what it is refused with."""
