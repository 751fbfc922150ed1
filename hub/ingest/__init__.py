"""The way in: a delivery is kept at the door and worked on later, at our own pace."""
