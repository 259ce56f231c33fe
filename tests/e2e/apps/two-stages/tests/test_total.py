from shop.web import total


def test_total():
    assert total(["apple", "pear"]) == 75
