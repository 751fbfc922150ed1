<?php
/**
 * The script of the cart and checkout of blocks.
 *
 * @package LoyaltyHub
 */

namespace LoyaltyHub;

use Automattic\WooCommerce\Blocks\Integrations\IntegrationInterface;
use LoyaltyHub\Core\Allotment;

/**
 * Has no build: it uses what WordPress and WooCommerce bring.
 */
final class Blocks_Script implements IntegrationInterface {

	private const HANDLE = 'loyalty-hub-blocks';

	/**
	 * Its name; the data is `loyalty-hub_data`.
	 *
	 * @return string
	 */
	public function get_name() {
		return Blocks::NAMESPACE;
	}

	/**
	 * Registers the script.
	 */
	public function initialize() {
		wp_register_script( self::HANDLE, plugins_url( 'assets/blocks.js', LOYALTY_HUB_FILE ), array( 'wp-plugins', 'wp-element', 'wc-blocks-checkout', 'wc-settings' ), LOYALTY_HUB_VERSION, true );
	}

	/**
	 * On the shop's pages.
	 *
	 * @return string[]
	 */
	public function get_script_handles() {
		return array( self::HANDLE );
	}

	/**
	 * In the editor nothing of ours is shown.
	 *
	 * @return string[]
	 */
	public function get_editor_script_handles() {
		return array();
	}

	/**
	 * Words, in the language of the page.
	 *
	 * @return array
	 */
	public function get_script_data() {
		return array(
			'texts'  => Offer::texts(),
			'labels' => array(
				Allotment::POINTS   => Coupons::title( Allotment::POINTS ),
				Allotment::DISCOUNT => Coupons::title( Allotment::DISCOUNT ),
			),
		);
	}
}
