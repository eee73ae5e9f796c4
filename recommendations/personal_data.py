"""What is kept about members by this app: nothing; it counts buyers of products."""

from crm.shared.personal_data import PersonalData


class RecommendationsData(PersonalData):
    """No table names a member, and no column can hold text."""
