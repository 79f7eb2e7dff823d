"""Words for numbers, months, weekdays and currencies, English and Arabic, as `fold` leaves them."""

from collections.abc import Mapping

from leadkeeper.knowledge.words import fold


def _folded(lines: Mapping[str, str]) -> dict[str, str]:
    """Each word of the lines' values with its line's name."""
    return {fold(word): name for name, said in lines.items() for word in said.split()}


def _numbered(lines: Mapping[int, str]) -> dict[str, int]:
    return {fold(word): value for value, said in lines.items() for word in said.split()}


MONTHS = _numbered(
    {
        1: "january jan يناير", 2: "february feb فبراير شباط", 3: "march mar مارس آذار", 4: "april apr أبريل إبريل نيسان",
        5: "may مايو أيار", 6: "june jun يونيو حزيران", 7: "july jul يوليو تموز", 8: "august aug أغسطس آب",
        9: "september sep sept سبتمبر أيلول", 10: "october oct أكتوبر", 11: "november nov نوفمبر", 12: "december dec ديسمبر",
    }
)  # fmt: skip
DAYS = _folded(
    {
        "mon": "monday mondays mon الاثنين الإثنين", "tue": "tuesday tuesdays tue الثلاثاء",
        "wed": "wednesday wednesdays الأربعاء", "thu": "thursday thursdays thu الخميس", "fri": "friday fridays fri الجمعة",
        "sat": "saturday saturdays السبت", "sun": "sunday sundays الأحد", "daily": "daily يوميا", "weekend": "weekend weekends",
    }
)  # fmt: skip
CURRENCIES = _folded(
    {
        "aed": "aed dh dhs dirham dirhams درهم دراهم درهما", "usd": "usd $ dollar dollars دولار دولارات",
        "eur": "eur € euro euros يورو", "gbp": "gbp £ pound pounds sterling", "sar": "sar riyal riyals ﷼ ريال ريالات",
        "qar": "qar", "omr": "omr", "kwd": "kwd dinar dinars دينار دنانير", "bhd": "bhd", "egp": "egp جنيه جنيهات",
        "inr": "inr ₹ rupee rupees روبية", "pkr": "pkr", "jpy": "jpy ¥ yen", "btc": "btc bitcoin بيتكوين",
    }
)  # fmt: skip
NUMBERS = _numbered(
    {
        0: "zero صفر", 2: "two twice اثنان اثنين اثنتين يومين شهرين سنتين أسبوعين ساعتين", 3: "three ثلاثة ثلاث",
        4: "four أربعة أربع", 5: "five خمسة خمس", 6: "six ستة ست", 7: "seven سبعة سبع", 8: "eight ثمانية ثماني ثمان",
        9: "nine تسعة تسع", 10: "ten عشرة عشر", 11: "eleven", 12: "twelve dozen", 13: "thirteen", 14: "fourteen",
        15: "fifteen", 16: "sixteen", 17: "seventeen", 18: "eighteen", 19: "nineteen", 20: "twenty عشرين عشرون",
        30: "thirty ثلاثين ثلاثون", 40: "forty أربعين أربعون", 50: "fifty خمسين خمسون", 60: "sixty ستين ستون",
        70: "seventy سبعين سبعون", 80: "eighty ثمانين ثمانون", 90: "ninety تسعين تسعون", 100: "مئة مائة", 200: "مئتين مائتين",
        1000: "ألف آلاف", 2000: "ألفين",
    }
)  # fmt: skip
SCALES = {"k": 1000, "thousand": 1000, fold("ألف"): 1000, "m": 10**6, "mn": 10**6, "million": 10**6, fold("مليون"): 10**6}
WORD_TIMES = {"noon": "12:00", "midday": "12:00", "midnight": "00:00"}
