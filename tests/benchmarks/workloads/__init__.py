"""The workloads of the replay benchmark, one module each: data, peers, and what the issue promises."""
