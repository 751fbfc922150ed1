<?php
/**
 * What the owner set.
 *
 * @package LoyaltyHub
 */

namespace LoyaltyHub;

/**
 * Reads the option that the settings page writes.
 */
final class Options {

	public const ID   = 'loyalty_hub';
	public const NAME = 'woocommerce_loyalty_hub_settings';

	/**
	 * One setting.
	 *
	 * @param string $name    Of the form.
	 * @param string $without Where it was never saved.
	 * @return string
	 */
	public static function get( string $name, string $without = '' ): string {
		$settings = get_option( self::NAME, array() );
		$value    = is_array( $settings ) ? $settings[ $name ] ?? $without : $without;
		return is_string( $value ) ? trim( $value ) : $without;
	}

	/**
	 * Whether the hub can be asked, and this is the shop that may ask it and keeps money as the hub does.
	 *
	 * @return bool
	 */
	public static function are_complete(): bool {
		return 'yes' === self::get( 'enabled' ) && '' !== self::get( 'url' ) && '' !== self::get( 'key' ) && Site::is_the_shop() && function_exists( 'wc_get_price_decimals' ) && 2 === wc_get_price_decimals();
	}

	/**
	 * The name under which the hub keeps accounts of this shop: that of its connection.
	 *
	 * The hub writes the connection's number to the base 36 behind "i_".
	 *
	 * @return string|null
	 */
	public static function system(): ?string {
		if ( ! preg_match( '/^i_([0-9a-z]{1,13})$/D', self::get( 'connection' ), $found ) ) {
			return null;
		}
		return 'installation:' . intval( $found[1], 36 );
	}

	/**
	 * Language of the hub's texts.
	 *
	 * @return string
	 */
	public static function locale(): string {
		return 0 === strpos( determine_locale(), 'ru' ) ? 'ru' : 'en';
	}
}
