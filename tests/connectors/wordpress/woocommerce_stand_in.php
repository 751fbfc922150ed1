<?php
/**
 * Plugin Name: WooCommerce (stand-in)
 * Version:     10.5.2
 *
 * A hand-written stand-in for the little of WooCommerce 10.5.2 that the plugin's settings, privacy
 * tools and offers call, for a real WordPress: Debian has no WooCommerce.  Names and arguments were held
 * against the source, whose files each part names; it sells nothing.
 */

// phpcs:disable

// woocommerce.php: no session and no cart on these pages.
final class WooCommerce {
	public $session, $cart, $customer;
	public array $integrations = array();
}
function WC() {
	static $one = null;
	return $one ??= new WooCommerce();
}

// includes/wc-core-functions.php, wc-formatting-functions.php, wc-coupon-functions.php, wc-conditional-functions.php
function get_woocommerce_currency() { return 'RUB'; }
function wc_get_price_decimals() { return 2; }
function wc_coupons_enabled() { return true; }
function is_product() { return false; }
function is_cart() { return false; }
function is_checkout() { return false; }
function is_account_page() { return false; }

// includes/abstracts/abstract-wc-settings-api.php, abstract-wc-integration.php
abstract class WC_Integration {
	public $id = '', $method_title = '', $method_description = '';
	public array $form_fields = array(), $settings = array();
	public function get_option_key() { return 'woocommerce_' . $this->id . '_settings'; }
	public function get_field_key( $key ) { return 'woocommerce_' . $this->id . '_' . $key; }
	public function get_option( $key, $empty_value = null ) { return $this->settings[ $key ] ?? ''; }
	public function init_settings() {
		$kept           = get_option( $this->get_option_key(), null );
		$this->settings = is_array( $kept ) ? $kept : wp_list_pluck( $this->form_fields, 'default' );
	}
	public function update_option( $key, $value = '' ) {
		$this->settings[ $key ] = $value;
		return update_option( $this->get_option_key(), $this->settings );
	}
	public function process_admin_options() {
		foreach ( $this->form_fields as $key => $field ) {
			$posted                 = $_POST[ $this->get_field_key( $key ) ] ?? null;
			$this->settings[ $key ] = 'checkbox' === $field['type'] ? ( null === $posted ? 'no' : 'yes' ) : trim( stripslashes( (string) $posted ) );
		}
		return update_option( $this->get_option_key(), $this->settings );
	}
	public function admin_options() {
		echo '<h2>' . esc_html( $this->method_title ) . '</h2>' . wp_kses_post( wpautop( $this->method_description ) );
		foreach ( $this->form_fields as $key => $field ) {
			$value = $this->get_option( $key );
			$type  = 'checkbox' === $field['type'] ? 'type="checkbox" value="1" ' . checked( $value, 'yes', false ) : 'type="' . esc_attr( $field['type'] ) . '" value="' . esc_attr( $value ) . '"';
			echo '<p><label>' . esc_html( $field['title'] ) . ' <input name="' . esc_attr( $this->get_field_key( $key ) ) . '" ' . $type . '></label></p>';
		}
	}
}

// includes/admin/class-wc-admin-settings.php, class-wc-admin-menus.php: the page, its nonce and its messages.
final class WC_Admin_Settings {
	public static array $said = array();
	public static function add_message( $text ) { self::$said[] = $text; }
	public static function add_error( $text ) { self::$said[] = $text; }
	public static function show() {
		foreach ( WC()->integrations as $one ) {
			if ( isset( $_POST['save'] ) ) {
				check_admin_referer( 'woocommerce-settings' );
				do_action( 'woocommerce_update_options_integration_' . $one->id );
			}
			echo '<form method="post">' . esc_html( implode( ' ', self::$said ) );
			wp_nonce_field( 'woocommerce-settings' );
			$one->admin_options();
			echo '<button name="save" value="1">Save</button></form>';
		}
	}
}
add_action( 'init', function () {
	// includes/class-wc-integrations.php, class-wc-install.php
	foreach ( apply_filters( 'woocommerce_integrations', array() ) as $class ) {
		WC()->integrations[] = new $class();
	}
	get_role( 'administrator' )->add_cap( 'manage_woocommerce' );
} );
add_action( 'admin_menu', function () {
	add_menu_page( 'WooCommerce', 'WooCommerce', 'manage_woocommerce', 'wc-settings', array( 'WC_Admin_Settings', 'show' ) );
} );

// includes/class-woocommerce.php
add_action( 'plugins_loaded', fn() => do_action( 'woocommerce_loaded' ), -1 );
