"""IAM: policy documents, principals, the resources of a call, and its authorization."""
