"""Role secrets, as plain boto3 sees it."""

from localcloud.testing import Endpoint

PATH = "/tandem/molecule/"


def test_every_secret_is_encrypted_and_under_the_environments_path(endpoint: Endpoint) -> None:
    parameters = endpoint.client("ssm").describe_parameters()["Parameters"]
    assert {parameter["Name"].removeprefix(PATH) for parameter in parameters} == {
        "ssh/private-key",
        "database/master-password",
        "database/app-password",
    }
    assert {parameter["Type"] for parameter in parameters} == {"SecureString"}


def test_secrets_are_made_once(endpoint: Endpoint) -> None:
    """The role ran twice: a second version would have changed the database's password under the running application."""
    parameters = endpoint.client("ssm").describe_parameters()["Parameters"]
    assert {parameter["Version"] for parameter in parameters} == {1}


def test_passwords_differ_and_are_what_rds_accepts(endpoint: Endpoint) -> None:
    names = [PATH + "database/master-password", PATH + "database/app-password"]
    answer = endpoint.client("ssm").get_parameters(Names=names, WithDecryption=True)["Parameters"]
    first, second = (parameter["Value"] for parameter in answer)
    assert first != second
    for password in (first, second):
        assert 20 <= len(password) <= 128
        assert not set(password) & set("/@\"' ")
