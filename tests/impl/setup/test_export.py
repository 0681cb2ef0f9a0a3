import copy
import json

from impl.setup.export import for_ganeti
from tests.impl.clusters import make_config


def test_only_the_key_of_gantry_is_left_out_at_every_place_where_it_stands() -> None:
    config = make_config(instances={"web1": (1, 2)})
    config["gantry"] = {"anything": 1}
    before = copy.deepcopy(config)
    exported = for_ganeti(config)
    assert "gantry" not in json.dumps(exported)
    assert config == before
    del config["gantry"], config["cluster"]["gantry"]
    for node in config["nodes"].values():
        del node["gantry"]
    assert exported == config
