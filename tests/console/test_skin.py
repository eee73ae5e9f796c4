import re

from django.urls import reverse


def test_the_rule_of_the_page_gives_colours_and_leaves_corners_to_unfold(signed_in):
    page = signed_in().get(reverse("admin:index")).content.decode()
    (rule,) = re.findall(r'<style id="unfold-theme-colors">:root{(.*?)}</style>', page)
    written = dict(each.split(":", 1) for each in rule.removesuffix(";").split(";"))
    assert written["--color-primary-600"]
    assert all(re.fullmatch(r"--color-[a-z]+-[-a-z0-9]+", name) for name in written)
    assert "None" not in written.values()
