"""The words of the driver's page: its scripts take them by these names, in the driver's language.

`{n}` and the like are filled in by the page.
"""

from collections.abc import Mapping
from typing import Final

from estafette.core.fleet.tap import TapKind, TapRefusal
from estafette.http.texts import N_, gettext

GENERAL: Final[Mapping[str, str]] = {
    "loading": N_("Loading"),
    "wait": N_("One moment."),
    "no_connection_yet": N_(
        "There is no connection, and nothing of your day is on this phone yet."
    ),
    "back": N_("Back"),
    "save": N_("Save"),
    "places": N_("Places"),
    "stops": N_("Stops"),
    "cash": N_("Cash"),
    "messages": N_("Messages"),
    "more": N_("Menu"),
    "today": N_("Today"),
    "language": N_("Language"),
    "offline": N_("No connection. Go on: everything is kept and sent later."),
    "waiting": N_("Waiting to be sent: {n}"),
    "others_waiting": N_("Kept for another driver of this phone until they sign in: {n}"),
    "undo": N_("Undo"),
    "undone": N_("Taken back."),
    "understood": N_("Understood"),
    "not_taken": N_("Not taken: {did}"),
    "off_shift": N_("You are not on shift."),
    "start_shift": N_("Start the shift"),
    "end_shift": N_("End the shift"),
    "end_shift_after": N_("First finish your stops, or hand them back."),
    "on_shift_since": N_("On shift since {time}."),
    "paused": N_("Your company has paused you: you get nothing new. Ask the dispatcher."),
    "no_stops": N_("Nothing to do now. New deliveries appear here."),
    "done_today": N_("Done in this shift: {n}"),
    "lately": N_("Handed over lately: whom to call"),
    "offer": N_("New delivery"),
    "accept": N_("Accept"),
    "refuse": N_("Refuse"),
    "seconds": N_("{n} s"),
    "accepted_waits": N_("Accepted: {address}"),
    "pickup": N_("Pick up"),
    "dropoff": N_("Hand over"),
    "after_pickup": N_("After the pickup."),
    "to_take": N_("Take {sum} in cash"),
    "kilograms": N_("{n} kg"),
    "demanded": N_("Demanded of you: {skills}"),
    "until": N_("until {time}"),
    "planned": N_("planned {time}"),
    "window": N_("Another time: {day}, {start}–{end}"),
    "tried": N_("tried before: {n}"),
    "later": N_("Not before {time}. It stays with you until then."),
    "leave_how": N_("Nobody takes it? Leave it where it is safe, and show where it stands."),
    "reference": N_("Number: {text}"),
    "navigate": N_("Navigate"),
    "call": N_("Call"),
    "call_company": N_("Call {name}"),
    "screen_on": N_("Keep the screen on"),
    "stop_over": N_("This stop is not yours any more"),
    "stop_over_detail": N_("It is done, or the dispatcher has taken it back."),
    "position_now": N_("Position sent just now"),
    "position_ago": N_("Position last sent {n} min ago"),
    "position_waiting": N_("Looking for your position"),
    "position_denied": N_("The company does not see where you are: the browser may not tell."),
    "position_none": N_("The company does not see where you are: this phone does not know."),
    "in_hand": N_("In your hand"),
    "limit": N_("At most {sum}. Beyond that you get no deliveries with cash."),
    "no_cash": N_("You have taken no cash."),
    "declare": N_("Hand over the cash"),
    "declare_detail": N_("Count it. The dispatcher counts it again: both sums are kept."),
    "declared": N_("You hand over {sum}. The dispatcher has to count it."),
    "sum": N_("Sum"),
    "sum_wrong": N_("The sum must be a number, at most {sum}."),
    "message": N_("Message"),
    "taken": N_("Not yours any more"),
    "taken_again": N_("Yours again"),
    "taken_more": N_("and {n} more"),
    "taken_on_board": N_("If you have the parcel, call before you go on."),
    "no_messages": N_("No messages."),
    "app_positions": N_("Positions by an app"),
    "app_positions_on": N_("An app may tell where you are while you are on shift."),
    "app_positions_off": N_(
        "With an app the company sees where you are also while the screen is off."
    ),
    "app_positions_how": N_("Set it up"),
    "sign_in": N_("Sign in"),
    "sign_out": N_("Sign out"),
    "sign_out_unsent": N_(
        "Waiting to be sent: {n}. It stays on this phone until you sign in again."
    ),
    "signed_out": N_("You are signed out"),
    "signed_out_detail": N_("Sign in again with your phone number."),
    "signed_out_kept": N_("Kept on this phone until you sign in again: {n}"),
    "photo_taken": N_("The photo"),
    "photo_unread": N_("This phone cannot read that picture. Take another one."),
    "take_photo": N_("Take a photo"),
    "signature_ask": N_("Sign with a finger."),
    "signature_place": N_("Place for the signature"),
    "clear": N_("Clear"),
    "scan": N_("Scan the code"),
    "scan_photo": N_("Read it in a photo"),
    "scan_done": N_("The code fits."),
    "scan_none": N_("The scanner is not to be had now. Type the code on the label."),
    "scan_denied": N_("The camera is not to be had. Read the code in a photo, or type it."),
    "scan_nothing": N_(
        "No code can be read in this photo. Take another one from nearer, or type the code."
    ),
    "code": N_("Code on the label"),
    "code_hint": N_("Without a label leave it empty."),
    "code_other": N_("This is another parcel: the code on the label does not fit."),
    "pin_hint": N_("The recipient has it. Ask for it only when they take the parcel."),
    "optional": N_("{what} (if you like)"),
    "missing": N_("Still missing: {what}"),
    "taken_cash": N_("I have taken {sum} in cash"),
    "cash_first": N_("First take {sum} in cash, and tick it."),
    "why": N_("Why?"),
    "note": N_("In your own words"),
    "note_first": N_("Say in a few words what happened."),
    "reason_first": N_("Choose a reason."),
    "proof_pin": N_("PIN"),
    "proof_signature": N_("Signature"),
    "proof_photo": N_("Photo"),
    "proof_name": N_("Name of who takes it"),
    "proof_document": N_("Document that you looked at"),
    "proof_age": N_("Age by the document, in years"),
    "reason_nobody_there": N_("Nobody is there"),
    "reason_phone_silent": N_("They do not answer the phone"),
    "reason_wrong_address": N_("The address is wrong"),
    "reason_refused_by_recipient": N_("They refuse the parcel"),
    "reason_no_money": N_("They have no money for it"),
    "reason_damaged": N_("The parcel is damaged"),
    "reason_no_access": N_("I cannot get in"),
    "reason_vehicle": N_("Something is wrong with my vehicle"),
    "reason_too_large": N_("The parcel does not fit"),
    "reason_too_far": N_("It is too far"),
    "reason_pickup_closed": N_("The pickup is closed"),
    "reason_not_ready": N_("The parcel is not ready"),
    "reason_other": N_("Something else"),
    "no_position": N_("Your phone does not tell where you are."),
    "why_unreadable": N_(
        "The server could not read it. Do it once more; if that does not help, call the dispatcher."
    ),
    "why_foreign_page": N_(
        "The server takes nothing from this address of the page. Tell the dispatcher, and do it"
        " once more."
    ),
    "why_fault": N_(
        "Something is wrong on our side, and trying again did not help. Tell the dispatcher."
    ),
    "why_picture": N_("The picture could not be read. Take another one and hand over again."),
}

DO: Final[Mapping[TapKind, str]] = {
    TapKind.SHIFT_STARTED: N_("Start the shift"),
    TapKind.SHIFT_ENDED: N_("End the shift"),
    TapKind.OFFER_ACCEPTED: N_("Accept"),
    TapKind.OFFER_REFUSED: N_("Refuse"),
    TapKind.ARRIVED: N_("I am there"),
    TapKind.PICKED_UP: N_("Picked up"),
    TapKind.ON_THE_WAY: N_("On the way"),
    TapKind.HANDED_OVER: N_("Handed over"),
    TapKind.LEFT_AT_DOOR: N_("Leave it at the door"),
    TapKind.ATTEMPT_FAILED: N_("It did not work"),
    TapKind.HANDED_BACK: N_("Hand back"),
    TapKind.CASH_DECLARED: N_("Hand over the cash"),
    TapKind.PLACE_FOUND: N_("The door is where I am"),
}
"""What the button for it says,"""

DID: Final[Mapping[TapKind, str]] = {
    TapKind.SHIFT_STARTED: N_("Shift started"),
    TapKind.SHIFT_ENDED: N_("Shift ended"),
    TapKind.OFFER_ACCEPTED: N_("Accepted"),
    TapKind.OFFER_REFUSED: N_("Offer refused"),
    TapKind.ARRIVED: N_("Arrived"),
    TapKind.PICKED_UP: N_("Picked up"),
    TapKind.ON_THE_WAY: N_("On the way"),
    TapKind.HANDED_OVER: N_("Handed over"),
    TapKind.LEFT_AT_DOOR: N_("Left at the door"),
    TapKind.ATTEMPT_FAILED: N_("Attempt failed"),
    TapKind.HANDED_BACK: N_("Handed back"),
    TapKind.CASH_DECLARED: N_("Cash declared"),
    TapKind.PLACE_FOUND: N_("Place remembered for the next time"),
}
"""and the page after it."""

WHY: Final[Mapping[TapRefusal, str]] = {
    TapRefusal.TOO_LATE: N_("It was more than three days ago. Tell the dispatcher."),
    TapRefusal.NOT_YOURS: N_("This delivery is not yours."),
    TapRefusal.OFFER_OVER: N_("The offer was over, or somebody else has the delivery."),
    TapRefusal.TAKEN_BACK: N_(
        "The dispatcher had taken it back or given it to another. If you have the parcel, call."
    ),
    TapRefusal.OVER: N_(
        "The delivery had ended already: cancelled, or handed over. If you have the parcel, call."
    ),
    TapRefusal.NOT_NOW: N_("This does not follow from where the delivery is. Look at the stop."),
    TapRefusal.EARLIER_REFUSED: N_("Something that you did before at this stop was not taken."),
    TapRefusal.NO_SHIFT: N_("You were not on shift. Start the shift first."),
    TapRefusal.HAS_PARCELS: N_("You still have stops. Finish them or hand them back first."),
    TapRefusal.FULL: N_("It does not fit into your vehicle with what you have."),
    TapRefusal.LACKS_SKILL: N_("It demands something that you cannot do or do not have along."),
    TapRefusal.PIN_WRONG: N_("The PIN was wrong. Ask for it once more and hand over again."),
    TapRefusal.PIN_LOCKED: N_(
        "The PIN was wrong too often. The dispatcher can unlock it: call before you go."
    ),
    TapRefusal.PROOF_MISSING: N_("A proof that is demanded was missing. Hand over once more."),
    TapRefusal.CASH_REFUSED: N_("The cash does not fit: see what is to be taken, and your limit."),
    TapRefusal.PLACE_REFUSED: N_("This place is too far from the address."),
    TapRefusal.REASON_MISSING: N_("The reason was missing. Do it once more, with a reason."),
    TapRefusal.MAY_NOT_LEAVE: N_(
        "This parcel may not be left at the door. If you have left it there, call the dispatcher."
    ),
    TapRefusal.PAUSED: N_("Your company has paused you. Ask the dispatcher."),
}
"""Why a tap was not taken."""


def texts() -> dict[str, str]:
    """Returns every word of the page's scripts in the reader's language, by its name."""
    named = {
        **GENERAL,
        **{f"do_{kind}": text for kind, text in DO.items()},
        **{f"did_{kind}": text for kind, text in DID.items()},
        **{f"why_{why}": text for why, text in WHY.items()},
    }
    return {name: gettext(text) for name, text in named.items()}
