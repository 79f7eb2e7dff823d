"""What codes are called in the languages we write."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

FIRST_STRONG, END = "\u2068", "\u2069"
"""Around a text whose direction is its own: without them an English text tears an Arabic sentence apart."""

EXPIRIES: Mapping[str, tuple[str, str]] = {
    "visa": ("visa", "التأشيرة"),
    "emirates_id": ("Emirates ID", "الهوية الإماراتية"),
    "passport": ("passport", "جواز السفر"),
    "medical": ("medical fitness certificate", "شهادة اللياقة الطبية"),
    "trade_licence": ("trade licence", "الرخصة التجارية"),
    "establishment_card": ("establishment card", "بطاقة المنشأة"),
    "immigration_file": ("immigration file", "ملف الهجرة"),
    "labour_card": ("labour card", "بطاقة العمل"),
    "ejari": ("Ejari", "عقد إيجاري"),
    "bank_kyc": ("bank KYC review", "تحديث بيانات البنك"),
    "vat_return": ("VAT return", "الإقرار الضريبي"),
    "corporate_tax": ("corporate tax filing", "إقرار ضريبة الشركات"),
    "audit": ("audit", "التدقيق المالي"),
    "insurance": ("insurance", "التأمين"),
}

SERVICES: Mapping[str, tuple[str, str]] = {
    "company_setup": ("Company setup", "تأسيس شركة"),
    "mainland_company": ("Mainland company", "شركة في البر الرئيسي"),
    "freezone_company": ("Free zone company", "شركة في المنطقة الحرة"),
    "offshore_company": ("Offshore company", "شركة أوفشور"),
    "branch": ("Branch office", "فتح فرع"),
    "bank_account": ("Bank account", "حساب بنكي"),
    "accounting": ("Accounting", "محاسبة"),
    "employment_visa": ("Employment visa", "تأشيرة عمل"),
    "family_visa": ("Family visa", "تأشيرة عائلية"),
    "freelance_visa": ("Freelance visa", "تأشيرة عمل حر"),
    "investor_visa": ("Investor visa", "تأشيرة مستثمر"),
    "golden_visa": ("Golden visa", "الإقامة الذهبية"),
    "visit_visa": ("Visit visa", "تأشيرة زيارة"),
    "domestic_worker_visa": ("Domestic worker visa", "تأشيرة عمالة منزلية"),
    "emirates_id": ("Emirates ID", "الهوية الإماراتية"),
    "medical": ("Medical test", "الفحص الطبي"),
    "visa_renewal": ("Visa renewal", "تجديد التأشيرة"),
    "visa_cancellation": ("Visa cancellation", "إلغاء التأشيرة"),
    "status_change": ("Change of status", "تغيير الوضع"),
    "pro_services": ("PRO services", "خدمات مندوب العلاقات الحكومية"),
    "licence_renewal": ("Licence renewal", "تجديد الرخصة"),
}


def expiry(kind: str | None, language: str) -> str | None:
    """What an expiry is called; None where it has no name of its own."""
    names = EXPIRIES.get(kind or "")
    return None if names is None else names[1 if language == "ar" else 0]


def service(code: str, language: str) -> str | None:
    """What a service is called; None for a code of the operator's own."""
    names = SERVICES.get(code)
    return None if names is None else names[1 if language == "ar" else 0]


def nationality(name: str, language: str) -> str:
    """A nationality in a language we write; as it stands when the word lists do not know it."""
    return _nationalities().get(name, name) if language == "ar" else name


def quoted(text: str, language: str) -> str:
    """A text in the quotation marks of a language."""
    return f"«{FIRST_STRONG}{text}{END}»" if language == "ar" else f"“{text}”"


@cache
def _nationalities() -> Mapping[str, str]:
    words = json.loads((Path(__file__).parent / "lexicon" / "nationality.json").read_text(encoding="utf-8"))
    return {name: each["ar"][0] for name, each in words["values"].items()}
