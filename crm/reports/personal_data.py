"""What is kept about members by the reports: nothing; days are added up."""

from crm.shared.personal_data import PersonalData


class ReportsData(PersonalData):
    """No table names a member, and no column can hold text."""
