"""Audits of plans: z3 looks at every state that a plan goes through, and a plain walk checks z3 (`spec.plans`)."""
