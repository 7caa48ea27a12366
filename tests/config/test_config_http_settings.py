"""What the settings of webhooks must be."""

import pytest

from smsagg.config.schema import WebhookSettings

SECRET = "whsec_" + "A" * 32


@pytest.mark.parametrize(
    "url",
    [
        "", "crm.example/hooks", "ftp://crm.example/", "https:///hooks", "https://crm.example:99999/", "https://[::1",
        "https://crm.example/ hooks", "https://crm.example/\u00e9", "https://kund\u00e9.example/", "https://a..b.example/",
        "https://" + "a" * 70 + ".example/",
    ],
)  # fmt: skip
def test_an_endpoint_has_a_url_that_can_be_gone_to(url: str) -> None:
    """What no resolver or request could take is refused when the configuration is read."""
    with pytest.raises(ValueError, match="must be a URL"):
        WebhookSettings(url, SECRET)


@pytest.mark.parametrize("url", ["https://crm.example/hooks?a=b", "http://127.0.0.1:9000/", "https://[::1]/"])
def test_sound_urls_of_endpoints_are_taken(url: str) -> None:
    """By name, by address and with a port."""
    assert WebhookSettings(url, SECRET).url == url
