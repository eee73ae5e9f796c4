"""What is kept about members by the console: filters staff saved, and their words."""

from crm.shared.personal_data import PersonalData


class ConsoleData(PersonalData):
    """A saved view must not keep what somebody searched for; see ``saved_views``."""

    reviewed = {"console.SavedView": "model name query"}
