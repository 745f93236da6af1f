"""Sentences keep what they say apart from how it is said."""

from rollout.domain.words import Words

ENGLISH = {"{when}に{count}件": "{count} on {when}", "{month}月": "month {month}"}
SENTENCE = Words("{when}に{count}件", when=Words("{month}月", month=6), count=2)


def test_words_are_japanese_by_themselves():
    assert (str(SENTENCE), repr(SENTENCE)) == ("6月に2件", "Words('6月に2件')")


def test_words_within_words_are_said_in_the_same_language():
    assert SENTENCE.said(ENGLISH.__getitem__) == "2 on month 6"


def test_words_are_the_text_that_they_come_to():
    assert SENTENCE == "6月に2件" == Words("{text}", text=SENTENCE)
    assert {SENTENCE: 1}["6月に2件"] == 1
    assert SENTENCE != "6月に3件"
    assert SENTENCE != 6
