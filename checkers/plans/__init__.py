"""Audits of plans: z3 looks at every state that a plan can go through. The twin of `spec.plans.safety`.

What is fast: one question to z3 covers every order that the job sets allow, where the definition walks through one
order command by command. The plain walk always runs on what z3 objects to (`audit` raises an error if it finds no
offence) and for the end of a plan (`outcome`); for plans that z3 accepts it runs in tests only.
"""
