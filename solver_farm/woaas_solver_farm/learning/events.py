"""Every event of duration models."""

from woaas_core.events.envelope import event_type

MODEL_REQUESTED = event_type("duration_model.requested", "A training of the duration model was queued.")
MODEL_TRAINED = event_type("duration_model.trained", "A duration model was trained and measured on a hold-out.")
MODEL_FAILED = event_type("duration_model.failed", "There was too little to train a duration model.")
MODEL_PROMOTED = event_type("duration_model.promoted", "A duration model that foretells better came into force.")
MODEL_RESTORED = event_type("duration_model.restored", "An earlier duration model came into force again.")
MODEL_RETIRED = event_type("duration_model.retired", "A duration model is no longer in force.")
