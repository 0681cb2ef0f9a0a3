"""Fields that several kinds of things have: attributes, parameters, times and tags."""

from impl.query.common import attribute, object_fields, of_view, parameter_fields
from impl.query.model import NO_DATA_ENTRY, UNAVAILABLE_ENTRY, Kind, normal, or_unavailable
from tests.impl.query.fakes import office

SOURCE = office()


def test_an_attribute_may_have_a_default() -> None:
    assert attribute("offline")(SOURCE, {"offline": False}) == normal(value=False)
    assert attribute("offline")(SOURCE, {}) == NO_DATA_ENTRY
    assert attribute("offline", default=True)(SOURCE, {}) == normal(value=True)
    assert attribute("offline", default=True)(SOURCE, {"offline": None}) == NO_DATA_ENTRY


def test_a_function_of_the_view_answers_or_has_no_data() -> None:
    assert of_view(lambda view, item: (view.master, item))(SOURCE, 1) == normal((SOURCE.view.master, 1))
    assert of_view(lambda _, __: None)(SOURCE, 1) == NO_DATA_ENTRY


def test_a_field_for_each_parameter() -> None:
    titles = {"a": ("TitleA", Kind.NUMBER), "b": ("TitleB", Kind.BOOL)}
    first, second = parameter_fields("ndp", "node", titles, lambda _, item: item, or_unavailable)
    assert first.definition() == {
        "name": "ndp/a", "title": "TitleA", "kind": "number", "doc": 'The "a" node parameter'
    }  # fmt: skip
    assert (first.get(SOURCE, {"a": 3}), second.get(SOURCE, {"a": 3})) == (normal(3), UNAVAILABLE_ENTRY)


def test_what_every_object_has() -> None:
    fields = {field.name: field for field in object_fields("Group")}
    assert fields["uuid"].doc == "Group UUID"
    bare = {name: field.get(SOURCE, {}) for name, field in fields.items()}
    assert bare == {
        "ctime": normal(0), "mtime": normal(0), "uuid": NO_DATA_ENTRY, "serial_no": normal(1), "tags": normal([])
    }  # fmt: skip
    full = {"ctime": 1.5, "mtime": 2.5, "uuid": "u", "serial_no": 4, "tags": {"z", "a"}}
    assert [field.get(SOURCE, full)[1] for field in fields.values()] == [1.5, 2.5, "u", 4, ["a", "z"]]
