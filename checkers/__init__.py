"""Programs that check: explorer, TLA+ checker, refinement, trace validation, plan audit, conformance, crashes."""
